each = 0.25 + 0.005 + 0.02 / 10
needed = 1_000_000 * each / (3 * 3_600)
lab.set_throttle(int(needed) + 1)
