"""One Kubernetes node without Docker: scheduler, kubelet, containerd, runc and a pod network beside the control plane.

Everything runs in namespaces of its own (mounts, network, processes), which the kernel takes down with their first
process: the machine's own network, firewall and settings are never touched. `python -m tests.node` (or `make node`)
enters them and runs the tests in this folder; a plain pytest leaves them out.
"""
