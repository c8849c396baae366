lab.create_table()
