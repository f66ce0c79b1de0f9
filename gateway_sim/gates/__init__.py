"""Gates as the outside world shows them: cars before cameras, and fleets of gates without pixels.

scenario -> plates, cars, yards, light -> frames in folders, as cameras upload them
"""
