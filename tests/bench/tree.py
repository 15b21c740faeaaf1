"""Directory trees to scan: made once, kept between runs, the same on every machine."""

import math
import os
import random
import shutil

from measure import BENCH_DIR, say

LARGEST = 4 << 20


def fill(root, files, per_dir, median_bytes, sigma, seed):
    chance = random.Random(seed)
    noise = chance.randbytes(LARGEST + 4096)
    total = 0
    for number in range(files):
        folder = number // per_dir
        if number % per_dir == 0:
            path = os.path.join(root, f"area-{folder // 50:03d}", f"part-{folder % 50:02d}")
            os.makedirs(path)
        size = min(LARGEST, int(median_bytes * math.exp(chance.gauss(0, sigma))))
        start = chance.randrange(4096)
        fd = os.open(os.path.join(path, f"file-{number:06d}.dat"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(fd, b"%08d" % number + noise[start:start + max(0, size - 8)])
        os.close(fd)
        total += size
    return total


def make(files, per_dir=100, median_bytes=4096, sigma=1.35, seed=1):
    """Files of lognormal sizes, no two alike. With sigma 1.35 the mean is 2.5 times the median."""
    root = os.path.join(BENCH_DIR, f"tree-{files}-{per_dir}-{median_bytes}-{sigma}-{seed}")
    if os.path.isdir(root):
        return root
    say(f"making {files} files in {root} (once)")
    part = root + ".part"
    shutil.rmtree(part, ignore_errors=True)
    fill(part, files, per_dir, median_bytes, sigma, seed)
    os.rename(part, root)
    return root
