lab.set_reserved_concurrency(5)
lab.create_mapping(maximum_concurrency=5)
