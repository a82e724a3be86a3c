"""Train something tiny with a real library that reports to Trackio; `test_trainers.py` looks at it.

    python trainers.py transformers|accelerate|trl|torch

Runs in the environment of `requirements-trainers.txt`. Models are made on the spot: nothing is
loaded from a hub.
"""

import os
import sys

import torch

PROJECT = "tiny"


class Rows(torch.utils.data.Dataset):
    """A few rows of token ids, the same every time."""

    def __len__(self):
        return 16

    def __getitem__(self, place):
        ids = torch.arange(8) % (place + 3)
        return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}


def make_model():
    """A GPT-2 with a few thousand parameters."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=64, n_positions=32, n_embd=16, n_layer=1, n_head=2)
    )


def train_transformers():
    """`Trainer(report_to="trackio")`, with evaluation; twice, so that it resumes by name."""
    from transformers import Trainer, TrainingArguments

    for _ in range(2):
        arguments = TrainingArguments(
            output_dir="out",
            report_to="trackio",
            project=PROJECT,
            run_name="trainer",
            max_steps=4,
            logging_steps=1,
            eval_strategy="steps",
            eval_steps=2,
            per_device_train_batch_size=4,
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=make_model(), args=arguments, train_dataset=Rows(), eval_dataset=Rows()
        )
        trainer.train()
        import trackio

        if trackio.run:
            trackio.finish()


def train_accelerate():
    """`Accelerator(log_with="trackio")`: trackers with a config, logged steps, the end."""
    from accelerate import Accelerator

    accelerator = Accelerator(log_with="trackio", cpu=True)
    accelerator.init_trackers(
        PROJECT, config={"lr": 0.1, "steps": 3}, init_kwargs={"trackio": {"name": "accelerated"}}
    )
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model, optimizer = accelerator.prepare(model, optimizer)
    for step in range(3):
        loss = model(torch.ones(2, 4)).pow(2).mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        accelerator.log({"loss": loss.detach()}, step=step)
    accelerator.end_training()


def train_trl():
    """TRL's `SFTTrainer(report_to="trackio")` on token ids."""
    from datasets import Dataset
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast
    from trl import SFTConfig, SFTTrainer

    words = {"<pad>": 0, "<eos>": 1, "<unk>": 2, "a": 3, "b": 4, "c": 5}
    raw = Tokenizer(WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    texts = Dataset.from_dict({"text": ["a b c a b c", "c b a c b a"] * 8})
    arguments = SFTConfig(
        output_dir="out",
        report_to="trackio",
        project=PROJECT,
        run_name="sft",
        max_steps=3,
        logging_steps=1,
        max_length=16,
        save_strategy="no",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=make_model(), args=arguments, train_dataset=texts, processing_class=tokenizer
    )
    trainer.train()


def train_torch():
    """A plain loop: losses that carry a graph, parameters as histograms, a model as an artifact."""
    import trackio as wandb

    wandb.init(project=PROJECT, name="loop", config={"lr": 0.1})
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=wandb.config.lr)
    wandb.watch(model, log="all")
    for step in range(3):
        loss = model(torch.ones(2, 4)).pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        weights = wandb.Histogram(model.weight.detach().numpy().ravel())
        wandb.log({"loss": loss, "lr": torch.tensor(0.1), "weights": weights}, step=step)
    torch.save(model.state_dict(), "model.pt")
    wandb.log_artifact("model.pt", name="model", type="model")
    wandb.finish()


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    {
        "transformers": train_transformers,
        "accelerate": train_accelerate,
        "trl": train_trl,
        "torch": train_torch,
    }[sys.argv[1]]()
