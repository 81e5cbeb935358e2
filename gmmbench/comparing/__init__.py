"""The rooms behind `compare`: runs that are found, judged, told in words, and shown; nothing here writes."""
