"""The process that is all endpoints: accepts on port 443 of every address that its network namespace calls local.

`regionnet_endpoints.py [CERTIFICATE KEY]`: with a certificate it speaks HTTPS and answers any request. Prints `ready`.
"""

import asyncio
import contextlib
import ssl
import sys

ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        if len(sys.argv) > 1:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()


async def main() -> None:
    tls = None
    if len(sys.argv) > 1:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[1], sys.argv[2])
    print("starting", flush=True)
    sys.stdin.readline()  # the network is there
    server = await asyncio.start_server(answered, "0.0.0.0", 443, ssl=tls, backlog=512)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
