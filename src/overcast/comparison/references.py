"""The works that a methods paragraph cites, as BibTeX, by the keys that it cites them with."""

from __future__ import annotations

REFERENCES = {
    "dunnett1955": """@article{dunnett1955,
  author  = {Dunnett, Charles W.},
  title   = {A Multiple Comparison Procedure for Comparing Several Treatments with a Control},
  journal = {Journal of the American Statistical Association},
  volume  = {50}, number = {272}, pages = {1096--1121}, year = {1955},
  doi     = {10.1080/01621459.1955.10501294}
}""",
    "sidak1967": """@article{sidak1967,
  author  = {{\\v{S}}id{\\'a}k, Zbyn{\\v{e}}k},
  title   = {Rectangular Confidence Regions for the Means of Multivariate Normal Distributions},
  journal = {Journal of the American Statistical Association},
  volume  = {62}, number = {318}, pages = {626--633}, year = {1967},
  doi     = {10.1080/01621459.1967.10482935}
}""",
    "satterthwaite1946": """@article{satterthwaite1946,
  author  = {Satterthwaite, F. E.},
  title   = {An Approximate Distribution of Estimates of Variance Components},
  journal = {Biometrics Bulletin},
  volume  = {2}, number = {6}, pages = {110--114}, year = {1946},
  doi     = {10.2307/3002019}
}""",
    "goeman2010": """@article{goeman2010,
  author  = {Goeman, Jelle J. and Solari, Aldo and Stijnen, Theo},
  title   = {Three-sided Hypothesis Testing: Simultaneous Testing of Superiority, Equivalence and Inferiority},
  journal = {Statistics in Medicine},
  volume  = {29}, number = {20}, pages = {2117--2125}, year = {2010},
  doi     = {10.1002/sim.4002}
}""",
    "nadeau2003": """@article{nadeau2003,
  author  = {Nadeau, Claude and Bengio, Yoshua},
  title   = {Inference for the Generalization Error},
  journal = {Machine Learning},
  volume  = {52}, number = {3}, pages = {239--281}, year = {2003},
  doi     = {10.1023/A:1024068626366}
}""",
    "bengio2004": """@article{bengio2004,
  author  = {Bengio, Yoshua and Grandvalet, Yves},
  title   = {No Unbiased Estimator of the Variance of {K}-Fold Cross-Validation},
  journal = {Journal of Machine Learning Research},
  volume  = {5}, pages = {1089--1105}, year = {2004}
}""",
    "owen2007": """@article{owen2007,
  author  = {Owen, Art B.},
  title   = {The Pigeonhole Bootstrap},
  journal = {The Annals of Applied Statistics},
  volume  = {1}, number = {2}, pages = {386--411}, year = {2007},
  doi     = {10.1214/07-AOAS122}
}""",
    "guo2017": """@inproceedings{guo2017,
  author    = {Guo, Chuan and Pleiss, Geoff and Sun, Yu and Weinberger, Kilian Q.},
  title     = {On Calibration of Modern Neural Networks},
  booktitle = {Proceedings of the 34th International Conference on Machine Learning},
  series    = {Proceedings of Machine Learning Research}, volume = {70}, pages = {1321--1330}, year = {2017}
}""",
    "box1978": """@book{box1978,
  author    = {Box, George E. P. and Hunter, William G. and Hunter, J. Stuart},
  title     = {Statistics for Experimenters: An Introduction to Design, Data Analysis, and Model Building},
  publisher = {Wiley}, year = {1978}
}""",
    "stoline1979": """@article{stoline1979,
  author  = {Stoline, Michael R. and Ury, Hans K.},
  title   = {Tables of the Studentized Maximum Modulus Distribution and an Application to Multiple Comparisons among
             Means},
  journal = {Technometrics},
  volume  = {21}, number = {1}, pages = {87--93}, year = {1979},
  doi     = {10.1080/00401706.1979.10489726}
}""",
    "hedges1983": """@article{hedges1983,
  author  = {Hedges, Larry V.},
  title   = {A Random Effects Model for Effect Sizes},
  journal = {Psychological Bulletin},
  volume  = {93}, number = {2}, pages = {388--395}, year = {1983},
  doi     = {10.1037/0033-2909.93.2.388}
}""",
    "higgins2009": """@article{higgins2009,
  author  = {Higgins, Julian P. T. and Thompson, Simon G. and Spiegelhalter, David J.},
  title   = {A Re-evaluation of Random-Effects Meta-Analysis},
  journal = {Journal of the Royal Statistical Society: Series A},
  volume  = {172}, number = {1}, pages = {137--159}, year = {2009},
  doi     = {10.1111/j.1467-985X.2008.00552.x}
}""",
    "inthout2016": """@article{inthout2016,
  author  = {IntHout, Joanna and Ioannidis, John P. A. and Rovers, Maroeska M. and Goeman, Jelle J.},
  title   = {Plea for Routinely Presenting Prediction Intervals in Meta-Analysis},
  journal = {BMJ Open},
  volume  = {6}, number = {7}, pages = {e010247}, year = {2016},
  doi     = {10.1136/bmjopen-2015-010247}
}""",
    "paszke2019": """@inproceedings{paszke2019,
  author    = {Paszke, Adam and others},
  title     = {{PyTorch}: An Imperative Style, High-Performance Deep Learning Library},
  booktitle = {Advances in Neural Information Processing Systems},
  volume    = {32}, year = {2019}
}""",
    "detlefsen2022": """@article{detlefsen2022,
  author  = {Detlefsen, Nicki Skafte and others},
  title   = {{TorchMetrics} -- Measuring Reproducibility in {PyTorch}},
  journal = {Journal of Open Source Software},
  volume  = {7}, number = {70}, pages = {4101}, year = {2022},
  doi     = {10.21105/joss.04101}
}""",
    "varma2006": """@article{varma2006,
  author  = {Varma, Sudhir and Simon, Richard},
  title   = {Bias in Error Estimation When Using Cross-validation for Model Selection},
  journal = {BMC Bioinformatics},
  volume  = {7}, pages = {91}, year = {2006},
  doi     = {10.1186/1471-2105-7-91}
}""",
    "cawley2010": """@article{cawley2010,
  author  = {Cawley, Gavin C. and Talbot, Nicola L. C.},
  title   = {On Over-fitting in Model Selection and Subsequent Selection Bias in Performance Evaluation},
  journal = {Journal of Machine Learning Research},
  volume  = {11}, pages = {2079--2107}, year = {2010}
}""",
}
