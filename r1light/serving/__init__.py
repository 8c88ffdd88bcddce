"""An OpenAI-compatible endpoint over an engine: what a request says, who writes, what is answered.

fields, asked: a request's JSON to values; prompts: conversations to token ids; worker: the thread that the
engine runs in; transcript, reasoning, token_text: tokens to text that is certain; replies: values to JSON;
app: routes (needs starlette); server: the socket, signals and the end (needs uvicorn).
"""
