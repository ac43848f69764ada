"""Tables, by subject. Importing this package fills `Base.metadata`."""

from labelwright.models import assist, background, documents, events, identity, items, projects, versions, work

__all__ = ["assist", "background", "documents", "events", "identity", "items", "projects", "versions", "work"]
