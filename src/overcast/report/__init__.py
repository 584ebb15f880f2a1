"""What a study found, for people: `words` says it, `pictures` draws it, `page` puts both on one page."""
