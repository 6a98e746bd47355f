//! How good predictions are. Every metric is the one of the same name in scikit-learn, in double precision.

pub mod classification;
pub mod ranking;
pub mod regression;

use classification::{Average, Confusion, Part};

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The share of rows whose class has the highest probability.
    Accuracy,
    /// The mean of the classes' recalls.
    BalancedAccuracy,
    /// The share of rows whose class is among the k with the highest probability.
    Top(usize),
    /// Precision, recall or F1.
    Of(Part, Average),
    /// The area under the curve of true and false positives; of several classes the mean of each against the rest.
    RocArea,
    /// The area under the curve of precision and recall (average precision); of several classes the mean.
    PrArea,
    /// The mean cross-entropy.
    LogLoss,
    /// The root of the mean squared error.
    Rmse,
    /// The mean squared error.
    Mse,
    /// The mean absolute error.
    Mae,
    /// The share of the variance that is explained.
    R2,
}

impl Metric {
    /// The metrics of classes, but `Top`.
    pub const CLASSIFICATION: [Self; 17] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::Of(Part::Precision, Average::Micro),
        Self::Of(Part::Precision, Average::Macro),
        Self::Of(Part::Precision, Average::Weighted),
        Self::Of(Part::Precision, Average::Positive),
        Self::Of(Part::Recall, Average::Micro),
        Self::Of(Part::Recall, Average::Macro),
        Self::Of(Part::Recall, Average::Weighted),
        Self::Of(Part::Recall, Average::Positive),
        Self::Of(Part::F1, Average::Micro),
        Self::Of(Part::F1, Average::Macro),
        Self::Of(Part::F1, Average::Weighted),
        Self::Of(Part::F1, Average::Positive),
        Self::RocArea,
        Self::PrArea,
        Self::LogLoss,
    ];
    /// The metrics of numbers.
    pub const REGRESSION: [Self; 4] = [Self::Rmse, Self::Mse, Self::Mae, Self::R2];

    /// The metric called `name`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(k) = name.strip_prefix("top_") {
            return k.parse().ok().filter(|k| (1..=1000).contains(k)).map(Self::Top);
        }
        Self::CLASSIFICATION.into_iter().chain(Self::REGRESSION).find(|metric| metric.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::Top(k) => return format!("top_{k}"),
            Self::Of(part, average) => return format!("{}{}", part.name(), average.suffix()),
            Self::RocArea => "roc_auc",
            Self::PrArea => "pr_auc",
            Self::LogLoss => "log_loss",
            Self::Rmse => "rmse",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::R2 => "r2",
        };
        name.to_owned()
    }

    /// Whether smaller is better.
    #[must_use]
    pub fn is_minimized(self) -> bool {
        matches!(self, Self::LogLoss | Self::Rmse | Self::Mse | Self::Mae)
    }

    /// Why it says nothing about predictions of `classes` classes, or of numbers where there are none.
    #[must_use]
    pub fn unfit(self, classes: Option<usize>) -> Option<String> {
        let numeric = Self::REGRESSION.contains(&self);
        match (classes, self) {
            (None, _) if !numeric => Some("is of classes, but numbers are predicted".to_owned()),
            (Some(_), _) if numeric => Some("is of numbers, but classes are predicted".to_owned()),
            (Some(classes), Self::Of(_, Average::Positive)) if classes != 2 => {
                Some(format!("is of two classes, but there are {classes}: append _micro, _macro or _weighted"))
            }
            (Some(classes), Self::Top(k)) if k > classes => {
                Some(format!("is of more classes than there are: {classes}"))
            }
            _ => None,
        }
    }
}

/// Predictions beside what was to be predicted.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of classes.
    Classes {
        /// How many there are.
        classes: usize,
        /// The probability of each class, row after row.
        probabilities: Vec<f64>,
        /// Each row's class.
        labels: Vec<u32>,
    },
    /// Of numbers.
    Numbers {
        /// What was predicted.
        predicted: Vec<f64>,
        /// What is true.
        actual: Vec<f64>,
    },
}

impl Outcome {
    /// The confusion matrix, of classes.
    #[must_use]
    pub fn confusion(&self) -> Option<Confusion> {
        match self {
            Self::Classes { classes, probabilities, labels } => Some(Confusion::new(*classes, probabilities, labels)),
            Self::Numbers { .. } => None,
        }
    }

    /// The value of `metric`: NaN where it is not defined, or where a prediction is no number.
    #[must_use]
    pub fn value(&self, metric: Metric) -> f64 {
        match self {
            Self::Classes { classes, probabilities, labels } => {
                if labels.is_empty() || probabilities.iter().any(|value| value.is_nan()) {
                    return f64::NAN;
                }
                let confusion = || Confusion::new(*classes, probabilities, labels);
                match metric {
                    Metric::Accuracy => confusion().accuracy(),
                    Metric::BalancedAccuracy => confusion().balanced_accuracy(),
                    Metric::Top(k) => classification::top(*classes, probabilities, labels, k),
                    Metric::Of(part, average) => confusion().value(part, average),
                    Metric::RocArea => ranking::over_classes(*classes, probabilities, labels, ranking::roc_area),
                    Metric::PrArea => {
                        ranking::over_classes(*classes, probabilities, labels, ranking::average_precision)
                    }
                    Metric::LogLoss => classification::log_loss(*classes, probabilities, labels),
                    Metric::Rmse | Metric::Mse | Metric::Mae | Metric::R2 => f64::NAN,
                }
            }
            Self::Numbers { predicted, actual } => regression::value(metric, predicted, actual),
        }
    }
}
