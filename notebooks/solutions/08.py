needed = 6_000 * 0.5 / 600
lab.set_throttle(int(needed))
