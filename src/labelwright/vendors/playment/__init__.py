"""The wire API of Playment / TELUS GT Studio. Only this folder knows its words."""
