"""llama.cpp's own HTTP server, as the wheel xllamacpp holds it: `serve_model.py MODEL.gguf PORT KEY`."""

import sys
import time

import xllamacpp

parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.port = int(sys.argv[2])
parameters.api_keys = [sys.argv[3]]
parameters.hostnames = ["127.0.0.1"]
parameters.n_ctx = 8192
parameters.n_parallel = 2
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.warmup = False
parameters.endpoint_metrics = True
server = xllamacpp.Server(parameters)
while True:
    time.sleep(3600)
