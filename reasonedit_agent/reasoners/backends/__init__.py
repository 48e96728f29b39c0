"""Who is called: a server, a model in process, a chat model of LangChain."""
