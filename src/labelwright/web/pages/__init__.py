"""Handlers: address, access, service, template; nothing else."""
