"""What the API answers: one plain function per resource, its keys in the order of the wire."""
