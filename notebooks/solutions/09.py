lab.configure(function_timeout=30, visibility_timeout=180, max_receive_count=5)
lab.create_queue()
lab.create_function("subscribe")
lab.create_mapping()
