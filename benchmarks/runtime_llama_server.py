"""Runs upstream's llama-server, as the wheel `xllamacpp` has it, until standard input closes.

Started by `benchmarks.runtime_peers` with the interpreter that has the wheel; one JSON object of
settings on the command line, one line with the address on standard output.
"""

import json
import sys

import xllamacpp


def main() -> None:
    settings = json.loads(sys.argv[1])
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_ctx = settings["cells"]
    params.n_parallel = settings["parallel"]
    params.n_batch = params.n_ubatch = 512
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    params.kv_unified = True
    params.cache_prompt = True
    params.cont_batching = True
    params.no_extra_bufts = not settings["repack"]
    # Its default, 8 GiB, is more than a machine with four servers on it has.
    params.cache_ram_mib = 2048
    if settings["guess"]:
        kinds = xllamacpp.common_speculative_type
        params.speculative.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    params.warmup = True
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
