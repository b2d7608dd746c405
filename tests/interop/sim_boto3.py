"""boto3 against the simulator: what it sends is served and refused as by the service.

    python sim_boto3.py path/to/bedrock-chat
"""

import os
import subprocess
import sys
import unittest

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ.pop("AWS_PROFILE", None)
os.environ.pop("AWS_BEARER_TOKEN_BEDROCK", None)

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

PROGRAM = sys.argv.pop(1)
MODEL = "us.amazon.nova-lite-v1:0"
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": "get_weather",
                "description": "The weather in a city",
                "inputSchema": {
                    "json": {
                        "type": "object",
                        "properties": {"city": {"type": "string"}},
                        "required": ["city"],
                    }
                },
            }
        }
    ]
}


def user(text):
    return {"role": "user", "content": [{"text": text}]}


class SimulatorServesBoto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = subprocess.Popen([PROGRAM, "sim"], stdout=subprocess.PIPE, text=True)
        url = cls.process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url
        cls.client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="SIMULATED",
            aws_secret_access_key="simulated",
            config=Config(retries={"total_max_attempts": 1}),
        )

        cls.control = boto3.client(
            "bedrock",
            region_name="eu-west-1",
            endpoint_url=url,
            aws_access_key_id="SIMULATED",
            aws_secret_access_key="simulated",
        )

    @classmethod
    def tearDownClass(cls):
        cls.process.kill()
        cls.process.wait()
        cls.process.stdout.close()

    def test_the_control_plane_lists_models_and_profiles(self):
        models = self.control.list_foundation_models()["modelSummaries"]
        self.assertIn("amazon.nova-lite-v1:0", [model["modelId"] for model in models])
        self.assertEqual({model["modelLifecycle"]["status"] for model in models}, {"ACTIVE", "LEGACY"})
        pages = self.control.get_paginator("list_inference_profiles").paginate()
        profiles = [profile for page in pages for profile in page["inferenceProfileSummaries"]]
        self.assertEqual(len(profiles), 5)
        application = next(profile for profile in profiles if profile["type"] == "APPLICATION")
        arn = application["inferenceProfileArn"]
        self.assertTrue(arn.startswith("arn:aws:bedrock:eu-west-1:"), arn)
        found = self.control.get_inference_profile(inferenceProfileIdentifier=arn)
        self.assertEqual(found["models"], application["models"])
        self.assertEqual(found["createdAt"], application["createdAt"])
        with self.assertRaises(ClientError) as refused:
            self.control.get_inference_profile(inferenceProfileIdentifier="us.nobody.nothing-v1:0")
        self.assertEqual(refused.exception.response["Error"]["Code"], "ResourceNotFoundException")

    def test_converse(self):
        reply = self.client.converse(modelId=MODEL, messages=[user("Hello there")])
        self.assertEqual(reply["stopReason"], "end_turn")
        self.assertIn("Hello there", reply["output"]["message"]["content"][0]["text"])
        self.assertGreater(reply["usage"]["totalTokens"], 0)

    def test_converse_with_an_arn(self):
        arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6"
        reply = self.client.converse(modelId=arn, messages=[user("Hello there")])
        self.assertEqual(reply["stopReason"], "end_turn")

    def test_tool_round_trip(self):
        messages = [user("What is the weather in Paris?")]
        reply = self.client.converse(modelId=MODEL, messages=messages, toolConfig=TOOLS)
        self.assertEqual(reply["stopReason"], "tool_use")
        message = reply["output"]["message"]
        call = message["content"][0]["toolUse"]
        self.assertEqual(call["input"], {"city": "Paris"})
        result = {"toolUseId": call["toolUseId"], "content": [{"text": "18 degrees"}]}
        messages += [message, {"role": "user", "content": [{"toolResult": result}]}]
        reply = self.client.converse(modelId=MODEL, messages=messages, toolConfig=TOOLS)
        self.assertIn("18 degrees", reply["output"]["message"]["content"][0]["text"])

    def test_converse_stream(self):
        reply = self.client.converse_stream(modelId=MODEL, messages=[user("Hello there")])
        events = list(reply["stream"])
        text = "".join(
            event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event
        )
        self.assertIn("Hello there", text)
        self.assertEqual(next(iter(events[0])), "messageStart")
        self.assertIn("metadata", events[-1])

    def test_converse_stream_of_a_tool_call(self):
        reply = self.client.converse_stream(
            modelId=MODEL, messages=[user("What is the weather in Paris?")], toolConfig=TOOLS
        )
        text = "".join(
            event["contentBlockDelta"]["delta"]["toolUse"]["input"]
            for event in reply["stream"]
            if "contentBlockDelta" in event
        )
        self.assertEqual(text, '{"city":"Paris"}')

    def refused(self, **request):
        with self.assertRaises(ClientError) as caught:
            self.client.converse(modelId=MODEL, **request)
        error = caught.exception.response
        self.assertEqual(error["Error"]["Code"], "ValidationException")
        self.assertEqual(error["ResponseMetadata"]["HTTPStatusCode"], 400)
        return error["Error"]["Message"]

    def test_a_conversation_that_begins_with_the_assistant_is_refused(self):
        messages = [{"role": "assistant", "content": [{"text": "Hi"}]}, user("Hello")]
        self.assertIn("must start with a user message", self.refused(messages=messages))

    def test_blank_text_is_refused(self):
        message = self.refused(messages=[user(" ")])
        self.assertIn("The text field in the ContentBlock object at messages.0.content.0 is blank", message)

    def test_tool_blocks_without_tools_are_refused(self):
        call = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
        result = {"toolResult": {"toolUseId": "t1", "content": [{"text": "ok"}]}}
        messages = [
            user("Go"),
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
        self.assertIn("The toolConfig field must be defined", self.refused(messages=messages))

    def test_a_name_outside_the_pattern_is_refused(self):
        tools = {"tools": [{"toolSpec": {"name": "a.b", "inputSchema": {"json": {"type": "object"}}}}]}
        message = self.refused(messages=[user("Go")], toolConfig=tools)
        self.assertIn("Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+", message)


if __name__ == "__main__":
    unittest.main()
