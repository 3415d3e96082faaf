"""The sign-in portal: the browser's part of a sign-in as pages in the cluster (docs/portal.md)."""
