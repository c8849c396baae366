types = (*direct_api.TYPES, "application/cloudevents+json")
lab.create_direct_api(types=types)
event = '{"specversion": "1.0", "type": "order.paid", "source": "/shop", "id": "1"}'
headers = {"Content-Type": "application/cloudevents+json"}
lab.wait_for(lab.send("/events", event, headers=headers, door="direct_api"))
