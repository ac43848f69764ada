"""Tables, by subject. Importing this package fills `Base.metadata`."""

from labelwright.models import background, documents, events, identity, items, projects, versions, work

__all__ = ["background", "documents", "events", "identity", "items", "projects", "versions", "work"]
