"""LangChain: a chat model with a memory, and an agent whose users each have their own."""

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from memori_wrap import Memori
from memori_wrap_adapters.frameworks.langchain import MemoriMiddleware, recall_tool

mem = Memori()  # a SQLite file in your data directory

# any chat model, in any chain: one line
model = mem.register(ChatOpenAI(model="gpt-5-mini"), entity="me")
model.invoke("My sister Anna lives in Lisbon.")
for chunk in model.stream("Where does my sister live?"):
    print(chunk.text, end="")
print()

# an agent for many users: the run says whose it is, and one run is remembered as one exchange
agent = create_agent(
    ChatOpenAI(model="gpt-5-mini"), tools=[recall_tool(mem)], middleware=[MemoriMiddleware(mem)], context_schema=dict
)
for user, text in (
    ("ben", "I am allergic to nuts."),
    ("cleo", "I love peanut butter."),
    ("ben", "Which snack is good for me?"),
):
    answer = agent.invoke({"messages": [("user", text)]}, context={"entity": user})
    print(user, answer["messages"][-1].content)

for memory in mem.recall("what about nuts?", entity="ben"):
    print(f"{memory.score:.2f}", memory.text)
