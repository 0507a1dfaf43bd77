"""LangGraph: its store in the memory's database, and a registered model that asks the run whose memory it is."""

from dataclasses import dataclass

from langchain_core.messages import AnyMessage, HumanMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.runtime import Runtime
from memori_wrap import Memori
from memori_wrap_adapters.frameworks.langgraph import MemoriStore, entity_of_run

mem = Memori()  # a SQLite file in your data directory
store = MemoriStore(mem, entity=lambda namespace: namespace[1])  # mem.erase(user) takes these items away as well
model = mem.register(ChatOpenAI(model="gpt-5-mini"), entity=entity_of_run)


@dataclass
class Context:
    """What the application says of a run."""

    user_id: str


def talk(state: MessagesState, runtime: Runtime[Context]) -> dict[str, list[AnyMessage]]:
    notes = ("notes", runtime.context.user_id)
    if runtime.store is not None:
        runtime.store.put(notes, str(len(runtime.store.search(notes))), {"text": state["messages"][-1].text})
    return {"messages": [model.invoke(state["messages"])]}


builder = StateGraph(MessagesState, context_schema=Context)
builder.add_node("talk", talk)
builder.add_edge(START, "talk")
graph = builder.compile(store=store)

for text in ("My sister Anna lives in Lisbon.", "My brother likes tea.", "Where does my sister live?"):
    answer = graph.invoke({"messages": [HumanMessage(text)]}, context=Context("ben"))
    print(answer["messages"][-1].text)

for item in store.search(("notes", "ben"), query="Who lives in Lisbon?", limit=2):
    print(f"{item.score or 0:.2f}", item.value["text"])
