"""Memori's own quickstart for a database of one's own, word for word but for the import line."""

from memori_wrap import Memori  # was: from memori import Memori
from openai import OpenAI
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("sqlite:///memori.db")
Session = sessionmaker(bind=engine)

client = OpenAI()
memori = Memori(conn=Session).llm.register(client)
memori.attribution(entity_id="user-123", process_id="my-app")
memori.config.storage.build()

response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "My favorite color is blue and I live in Paris"}],
)
print(response.choices[0].message.content)

response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "What's a good book to read?"}],
)
print(response.choices[0].message.content)

response = client.chat.completions.create(
    model="gpt-4o-mini",
    messages=[{"role": "user", "content": "What's my favorite color?"}],
)
print(response.choices[0].message.content)

memori.augmentation.wait()
