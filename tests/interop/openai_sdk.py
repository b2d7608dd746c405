"""The OpenAI SDK reads every answer in the fixtures, whole and streamed, and makes of the chunks what the
completion says. The answers are served over loopback, as an OpenAI-compatible endpoint would.

    python openai_sdk.py
"""

import json
import pathlib
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai import LengthFinishReasonError, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "fixtures"
# Where the completion of a fixture is.
NAMES = {"replies": "openai.json", "streams": "completion.json"}
MESSAGES = [{"role": "user", "content": "Hi"}]


class Served(BaseHTTPRequestHandler):
    """Answers with the fixture that the request names as its model."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        folder = FIXTURES / body["model"]
        if body.get("stream"):
            lines = (folder / "chunks.jsonl").read_text().splitlines()
            answer = "".join(f"data: {line}\n\n" for line in lines) + "data: [DONE]\n\n"
            kind = "text/event-stream"
        else:
            answer = (folder / NAMES[folder.parent.name]).read_text()
            kind = "application/json"
        payload = answer.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):
        pass


def answers(kind, name):
    """The fixtures of a kind that end well: the others have no completion."""
    for path in sorted(FIXTURES.glob(f"{kind}/*/{name}")):
        if (path.parent / NAMES[kind]).exists():
            yield f"{kind}/{path.parent.name}", path


def calls(message):
    return [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or []]


class TheSdkReadsEveryAnswer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.client = OpenAI(
            base_url=f"http://127.0.0.1:{cls.server.server_port}/v1", api_key="none", max_retries=0
        )

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.shutdown()
        cls.server.server_close()

    def test_whole_answers(self):
        count = 0
        for kind in ("replies", "streams"):
            for model, path in answers(kind, NAMES[kind]):
                with self.subTest(model):
                    # The client itself does not look at the types of members.
                    ChatCompletion.model_validate(json.loads(path.read_text()))
                    read = self.client.chat.completions.create(model=model, messages=MESSAGES)
                    self.assertEqual(read.object, "chat.completion")
                    self.assertIsNotNone(read.choices[0].finish_reason)
                count += 1
        self.assertGreater(count, 30)

    def test_streams(self):
        count = 0
        for model, path in answers("streams", "chunks.jsonl"):
            with self.subTest(model):
                for line in path.read_text().splitlines():
                    ChatCompletionChunk.model_validate(json.loads(line))
                whole = ChatCompletion.model_validate(json.loads((path.parent / "completion.json").read_text()))
                with self.client.chat.completions.stream(
                    model=model, messages=MESSAGES, stream_options={"include_usage": True}
                ) as stream:
                    try:
                        for _ in stream:
                            pass
                        read = stream.get_final_completion()
                    except LengthFinishReasonError as cut:
                        # The SDK's way to say that an answer was cut, whoever serves it.
                        read = cut.completion
                expected, got = whole.choices[0], read.choices[0]
                self.assertEqual(got.finish_reason, expected.finish_reason)
                self.assertEqual(got.message.content or "", expected.message.content or "")
                self.assertEqual(calls(got.message), calls(expected.message))
                self.assertEqual(read.id, whole.id)
                if whole.usage:
                    self.assertEqual(read.usage.total_tokens, whole.usage.total_tokens)
            count += 1
        self.assertGreater(count, 10)


if __name__ == "__main__":
    unittest.main()
