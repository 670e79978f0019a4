# SPDX-License-Identifier: Apache-2.0
"""A relay in front of a real Spark Connect server that notes which sessions each unary call names. Bytes pass unchanged."""

from concurrent import futures

import grpc
from pyspark.sql.connect.proto import base_pb2

SERVICE = "spark.connect.SparkConnectService"
REQUESTS = {
    "AnalyzePlan": base_pb2.AnalyzePlanRequest,
    "Config": base_pb2.ConfigRequest,
    "FetchErrorDetails": base_pb2.FetchErrorDetailsRequest,
    "ReleaseSession": base_pb2.ReleaseSessionRequest,
}
# The most calls that a test has under way at once, and some.
THREADS = 16


class ConnectRelay:
    def __init__(self, port, token):
        self.calls = []  # (method, decoded request)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.metadata = (("authorization", f"Bearer {token}"),)
        self.server = grpc.server(futures.ThreadPoolExecutor(THREADS))
        handlers = {method: grpc.unary_unary_rpc_method_handler(self.forward(method)) for method in REQUESTS}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def forward(self, method):
        ask = self.channel.unary_unary(f"/{SERVICE}/{method}")

        def handle(body, context):
            try:
                answer = ask(body, metadata=[m for m in context.invocation_metadata() if m[0] == "authorization"])
            except grpc.RpcError as error:
                context.set_trailing_metadata(error.trailing_metadata())
                context.abort(error.code(), error.details())
            # Noted when it has happened, so that who waits for a release finds the session gone.
            self.calls.append((method, REQUESTS[method].FromString(body)))
            return answer

        return handle

    def sessions(self, method):
        """(user, session) of each call, in order, each once."""
        return list(dict.fromkeys((r.user_context.user_id, r.session_id) for m, r in list(self.calls) if m == method))

    def ask_version(self, user, session):
        """The server's answer in that very session; raises grpc.RpcError when it has ended."""
        request = base_pb2.AnalyzePlanRequest(session_id=session)
        request.user_context.user_id = user
        request.spark_version.SetInParent()
        ask = self.channel.unary_unary(f"/{SERVICE}/AnalyzePlan", request_serializer=type(request).SerializeToString,
                                       response_deserializer=base_pb2.AnalyzePlanResponse.FromString)
        return ask(request, metadata=self.metadata).spark_version.version

    def stop(self):
        self.server.stop(None).wait()
        self.channel.close()
