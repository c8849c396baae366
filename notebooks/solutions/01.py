await db.burst(consumers=8, connections_each=2)
