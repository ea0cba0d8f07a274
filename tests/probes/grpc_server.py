#!/usr/bin/python3
"""A gRPC server with a health service whose answer depends on the service that is asked for.

    grpc_server.py ADDRESS none|health [KEY CERTIFICATE]     prints its port, then a line of JSON for every call

"" and "up" serve, "down" does not; "hang" never answers; "abort N" ends with that status; "raw HEX" is answered with these bytes,
"long" with 5000.
"""

import concurrent.futures
import json
import pathlib
import sys

import grpc

SECRET = "s3cret"
ANSWERS = {"": b"\x08\x01", "up": b"\x08\x01", "down": b"\x08\x02", "service-unknown": b"\x08\x03", "long": b"\x08\x01" * 2500}
CODES = {code.value[0]: code for code in grpc.StatusCode}


def tell(**said):
    print(json.dumps(said), flush=True)


def check(request, context):
    service = request[3 if len(request) > 129 else 2:].decode()
    tell(request=request.hex(), left=context.time_remaining(), metadata=dict(context.invocation_metadata()))
    if service == "hang":
        wait_for_end(context)
    word, _, rest = service.partition(" ")
    if word == "abort":
        context.abort(CODES[int(rest)], SECRET)
    return bytes.fromhex(rest) if word == "raw" else ANSWERS[service]


def wait_for_end(context):
    ended = concurrent.futures.Future()
    if context.add_callback(lambda: ended.set_result(None)):
        ended.result(30)


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


def main():
    address, kind, *pair = sys.argv[1:]
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    if kind == "health":
        server.add_generic_rpc_handlers((Health(),))
    if pair:
        key, certificate = (pathlib.Path(name).read_bytes() for name in pair)
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


main()
