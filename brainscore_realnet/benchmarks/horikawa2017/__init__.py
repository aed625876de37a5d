"""RSA with fMRI for the images of Horikawa & Kamitani (2017), and the same on virtual subjects."""

from brainscore_vision import benchmark_registry

from .benchmark import get_benchmark

# registrations written by tools/registrations.py: begin
benchmark_registry["Horikawa2017-rsa"] = lambda: get_benchmark("Horikawa2017-rsa")
benchmark_registry["Horikawa2017.V1-rsa"] = lambda: get_benchmark("Horikawa2017.V1-rsa")
benchmark_registry["Horikawa2017.V2-rsa"] = lambda: get_benchmark("Horikawa2017.V2-rsa")
benchmark_registry["Horikawa2017.V3-rsa"] = lambda: get_benchmark("Horikawa2017.V3-rsa")
benchmark_registry["Horikawa2017.V4-rsa"] = lambda: get_benchmark("Horikawa2017.V4-rsa")
benchmark_registry["Horikawa2017.LOC-rsa"] = lambda: get_benchmark("Horikawa2017.LOC-rsa")
benchmark_registry["Horikawa2017.FFA-rsa"] = lambda: get_benchmark("Horikawa2017.FFA-rsa")
benchmark_registry["Horikawa2017.PPA-rsa"] = lambda: get_benchmark("Horikawa2017.PPA-rsa")
benchmark_registry["Horikawa2017.sub01-rsa"] = lambda: get_benchmark("Horikawa2017.sub01-rsa")
benchmark_registry["Horikawa2017.sub02-rsa"] = lambda: get_benchmark("Horikawa2017.sub02-rsa")
benchmark_registry["Horikawa2017.sub03-rsa"] = lambda: get_benchmark("Horikawa2017.sub03-rsa")
benchmark_registry["Horikawa2017.sub04-rsa"] = lambda: get_benchmark("Horikawa2017.sub04-rsa")
benchmark_registry["Horikawa2017.sub05-rsa"] = lambda: get_benchmark("Horikawa2017.sub05-rsa")
benchmark_registry["SimHorikawa2017-rsa"] = lambda: get_benchmark("SimHorikawa2017-rsa")
benchmark_registry["SimHorikawa2017.V1-rsa"] = lambda: get_benchmark("SimHorikawa2017.V1-rsa")
benchmark_registry["SimHorikawa2017.V2-rsa"] = lambda: get_benchmark("SimHorikawa2017.V2-rsa")
benchmark_registry["SimHorikawa2017.V3-rsa"] = lambda: get_benchmark("SimHorikawa2017.V3-rsa")
benchmark_registry["SimHorikawa2017.V4-rsa"] = lambda: get_benchmark("SimHorikawa2017.V4-rsa")
benchmark_registry["SimHorikawa2017.LOC-rsa"] = lambda: get_benchmark("SimHorikawa2017.LOC-rsa")
benchmark_registry["SimHorikawa2017.FFA-rsa"] = lambda: get_benchmark("SimHorikawa2017.FFA-rsa")
benchmark_registry["SimHorikawa2017.PPA-rsa"] = lambda: get_benchmark("SimHorikawa2017.PPA-rsa")
benchmark_registry["SimHorikawa2017.sub01-rsa"] = lambda: get_benchmark("SimHorikawa2017.sub01-rsa")
benchmark_registry["SimHorikawa2017.sub02-rsa"] = lambda: get_benchmark("SimHorikawa2017.sub02-rsa")
benchmark_registry["SimHorikawa2017.sub03-rsa"] = lambda: get_benchmark("SimHorikawa2017.sub03-rsa")
benchmark_registry["SimHorikawa2017.sub04-rsa"] = lambda: get_benchmark("SimHorikawa2017.sub04-rsa")
benchmark_registry["SimHorikawa2017.sub05-rsa"] = lambda: get_benchmark("SimHorikawa2017.sub05-rsa")
# registrations written by tools/registrations.py: end
