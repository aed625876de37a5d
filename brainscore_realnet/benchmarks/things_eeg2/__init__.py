"""RSA with EEG over time on the 200 test images of THINGS-EEG2, and the same on virtual subjects."""

from brainscore_vision import benchmark_registry

from .benchmark import get_benchmark

# registrations written by tools/registrations.py: begin
benchmark_registry["ThingsEEG2-rsa"] = lambda: get_benchmark("ThingsEEG2-rsa")
benchmark_registry["ThingsEEG2.V1-rsa"] = lambda: get_benchmark("ThingsEEG2.V1-rsa")
benchmark_registry["ThingsEEG2.V2-rsa"] = lambda: get_benchmark("ThingsEEG2.V2-rsa")
benchmark_registry["ThingsEEG2.V4-rsa"] = lambda: get_benchmark("ThingsEEG2.V4-rsa")
benchmark_registry["ThingsEEG2.IT-rsa"] = lambda: get_benchmark("ThingsEEG2.IT-rsa")
benchmark_registry["ThingsEEG2.sub01-rsa"] = lambda: get_benchmark("ThingsEEG2.sub01-rsa")
benchmark_registry["ThingsEEG2.sub02-rsa"] = lambda: get_benchmark("ThingsEEG2.sub02-rsa")
benchmark_registry["ThingsEEG2.sub03-rsa"] = lambda: get_benchmark("ThingsEEG2.sub03-rsa")
benchmark_registry["ThingsEEG2.sub04-rsa"] = lambda: get_benchmark("ThingsEEG2.sub04-rsa")
benchmark_registry["ThingsEEG2.sub05-rsa"] = lambda: get_benchmark("ThingsEEG2.sub05-rsa")
benchmark_registry["ThingsEEG2.sub06-rsa"] = lambda: get_benchmark("ThingsEEG2.sub06-rsa")
benchmark_registry["ThingsEEG2.sub07-rsa"] = lambda: get_benchmark("ThingsEEG2.sub07-rsa")
benchmark_registry["ThingsEEG2.sub08-rsa"] = lambda: get_benchmark("ThingsEEG2.sub08-rsa")
benchmark_registry["ThingsEEG2.sub09-rsa"] = lambda: get_benchmark("ThingsEEG2.sub09-rsa")
benchmark_registry["ThingsEEG2.sub10-rsa"] = lambda: get_benchmark("ThingsEEG2.sub10-rsa")
benchmark_registry["SimThingsEEG2-rsa"] = lambda: get_benchmark("SimThingsEEG2-rsa")
benchmark_registry["SimThingsEEG2.V1-rsa"] = lambda: get_benchmark("SimThingsEEG2.V1-rsa")
benchmark_registry["SimThingsEEG2.V2-rsa"] = lambda: get_benchmark("SimThingsEEG2.V2-rsa")
benchmark_registry["SimThingsEEG2.V4-rsa"] = lambda: get_benchmark("SimThingsEEG2.V4-rsa")
benchmark_registry["SimThingsEEG2.IT-rsa"] = lambda: get_benchmark("SimThingsEEG2.IT-rsa")
benchmark_registry["SimThingsEEG2.sub01-rsa"] = lambda: get_benchmark("SimThingsEEG2.sub01-rsa")
benchmark_registry["SimThingsEEG2.sub02-rsa"] = lambda: get_benchmark("SimThingsEEG2.sub02-rsa")
benchmark_registry["SimThingsEEG2concepts-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts-rsa")
benchmark_registry["SimThingsEEG2concepts.V1-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.V1-rsa")
benchmark_registry["SimThingsEEG2concepts.V2-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.V2-rsa")
benchmark_registry["SimThingsEEG2concepts.V4-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.V4-rsa")
benchmark_registry["SimThingsEEG2concepts.IT-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.IT-rsa")
benchmark_registry["SimThingsEEG2concepts.sub01-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub01-rsa")
benchmark_registry["SimThingsEEG2concepts.sub02-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub02-rsa")
benchmark_registry["SimThingsEEG2concepts.sub03-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub03-rsa")
benchmark_registry["SimThingsEEG2concepts.sub04-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub04-rsa")
benchmark_registry["SimThingsEEG2concepts.sub05-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub05-rsa")
benchmark_registry["SimThingsEEG2concepts.sub06-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub06-rsa")
benchmark_registry["SimThingsEEG2concepts.sub07-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub07-rsa")
benchmark_registry["SimThingsEEG2concepts.sub08-rsa"] = lambda: get_benchmark("SimThingsEEG2concepts.sub08-rsa")
# registrations written by tools/registrations.py: end
