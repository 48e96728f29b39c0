"""Understanding an instruction without a language model: one grammar table, one word list per language."""

from reasonedit_agent.reasoners.embedded.grammar.model import Clause, Parsed
from reasonedit_agent.reasoners.embedded.grammar.parse import amended, parse, things_in

__all__ = ["Clause", "Parsed", "amended", "parse", "things_in"]
