lab.create_mapping(maximum_concurrency=2)
run = lab.watch(show=False)
lab.burst(100, cap=200)
run.wait()
