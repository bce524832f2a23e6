namespace Pacer.EndToEnd.Support;

/// <summary>A backend that says its version.</summary>
internal static class WebServer
{
    /// <summary>Ends in order at SIGTERM: takes no new connections, finishes what it has.</summary>
    public const string Script = """
        import http.server, os, signal, threading
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            def answer(self):
                self.rfile.read(int(self.headers.get('Content-Length') or 0))
                body = ('version ' + os.environ['VERSION']).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            do_GET = do_POST = answer
            def log_message(self, *_): pass
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = False
            request_queue_size = 128
        server = Server(('', int(os.environ['PORT0'])), Handler)
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
        server.server_close()
        """;
}
