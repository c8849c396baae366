lab.set_throttle(6 - 2)
run = lab.watch(show=False)
lab.burst(40, cap=80)
run.wait()
