"""Where files live: a local folder or S3, behind one small interface. `Store` is all that others need."""

from labelwright.storage.links import FileLink, Links
from labelwright.storage.store import FACTORIES, Store, content_key, hash_key, open_store

__all__ = ["FACTORIES", "FileLink", "Links", "Store", "content_key", "hash_key", "open_store"]
