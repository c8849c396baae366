def send_twice(name):
    for _ in range(2):
        lab.wait_for(lab.send("/orders", order, headers={"webhook-id": lab.delivery_id(name)}))

lab.create_function("subscribe", zip_bytes=broken)
send_twice("broken")
lab.create_function("subscribe")
send_twice("repaired")
