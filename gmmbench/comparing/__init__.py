"""The modules behind `compare`: they find, judge, describe and show runs; none of them writes a file."""
