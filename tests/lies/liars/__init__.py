"""Models that lie, by what they lie about, each with the net that must catch it."""
