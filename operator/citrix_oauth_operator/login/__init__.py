"""The browser's part of a sign-in; the operator redeems what it brings (docs/sign-in.md)."""
