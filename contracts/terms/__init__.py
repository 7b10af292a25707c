"""One module for each kind of term: parameters, sentence, evaluation."""
