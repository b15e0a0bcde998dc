"""Reads interval logs of tapescan with PyPI's hdrhistogram and prints what it makes of them.

    python tests/third_party/hlog.py run-1.hlog

Needs `pip install hdrhistogram`. One JSON object: by tag, the count, the maximum and percentiles of
all intervals together, and how many there were.
"""

import collections
import json
import math
import os
import sys
import tempfile

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "p99.99": 0.9999}


def by_tag(path):
    """The lines of each tag, as a log without tags: this reader does not know them."""
    head, lines = [], collections.defaultdict(list)
    with open(path, encoding="utf-8") as log:
        for line in log:
            if line.startswith("Tag="):
                tag, rest = line[4:].split(",", 1)
                lines[tag].append(rest)
            else:
                head.append(line)
    return "".join(head), lines


def read(head, lines):
    with tempfile.NamedTemporaryFile("w", suffix=".hlog", delete=False) as file:
        file.write(head + "".join(lines))
    try:
        reference = HdrHistogram(1, 600_000_000_000, 3)
        reader = HistogramLogReader(file.name, reference)
        total, intervals = HdrHistogram(1, 600_000_000_000, 3), 0
        while True:
            one = reader.get_next_interval_histogram()
            if one is None:
                break
            total.add(one)
            intervals += 1
        assert reader.get_start_time_sec() > 1.6e9, reader.get_start_time_sec()
        reader.close()
    finally:
        os.unlink(file.name)
    count = total.get_total_count()

    def value(share):
        # This library rounds a rank to the nearest, others (Java's, ours) up. Asked for a rank that
        # is whole, all mean the same.
        return total.get_value_at_percentile(100 * math.ceil(share * count) / count)

    found = {name: value(share) for name, share in PERCENTILES.items()}
    return {
        "count": count,
        "max": total.get_max_value(),
        "intervals": intervals,
        **found,
    }


if __name__ == "__main__":
    HEAD, LINES = by_tag(sys.argv[1])
    print(json.dumps({tag: read(HEAD, lines) for tag, lines in LINES.items()}))
