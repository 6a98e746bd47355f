//! Metrics of classes that come from counts.

/// What is asked of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of the rows that were given the class, the share that has it.
    Precision,
    /// Of the rows that have the class, the share that was given it.
    Recall,
    /// The harmonic mean of the two.
    F1,
}

impl Part {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Precision => "precision",
            Self::Recall => "recall",
            Self::F1 => "f1",
        }
    }

    /// From true positives, rows given the class, and rows that have it. Where there is nothing to divide by it is 0.
    fn of(self, right: u64, given: u64, actual: u64) -> f64 {
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        match self {
            Self::Precision => ratio(right, given),
            Self::Recall => ratio(right, actual),
            Self::F1 => ratio(2 * right, given + actual),
        }
    }
}

/// How the classes' values become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// From the counts of all classes together.
    Micro,
    /// The mean over the classes that occur.
    Macro,
    /// The mean over the classes, each as often as it occurs.
    Weighted,
    /// The value of the second of two classes.
    Positive,
}

impl Average {
    /// What follows the name of the part.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Micro => "_micro",
            Self::Macro => "_macro",
            Self::Weighted => "_weighted",
            Self::Positive => "",
        }
    }
}

/// How often each class was taken for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// The number of classes.
    pub classes: usize,
    /// A row for each actual class, in it a count for each predicted one.
    pub counts: Vec<u64>,
}

impl Confusion {
    /// Counts; the predicted class is the first with the highest probability.
    #[must_use]
    pub fn new(classes: usize, probabilities: &[f64], labels: &[u32]) -> Self {
        let mut counts = vec![0; classes * classes];
        for (row, &label) in probabilities.chunks_exact(classes).zip(labels) {
            counts[label as usize * classes + likeliest(row)] += 1;
        }
        Self { classes, counts }
    }

    fn right(&self, class: usize) -> u64 {
        self.counts[class * self.classes + class]
    }

    fn actual(&self, class: usize) -> u64 {
        self.counts[class * self.classes..(class + 1) * self.classes].iter().sum()
    }

    fn given(&self, class: usize) -> u64 {
        self.counts.iter().skip(class).step_by(self.classes).sum()
    }

    /// The share of rows that were given their class.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes).map(|class| self.right(class)).sum();
        right as f64 / self.counts.iter().sum::<u64>() as f64
    }

    /// The mean recall of the classes that occur.
    #[must_use]
    pub fn balanced_accuracy(&self) -> f64 {
        let occurring: Vec<usize> = (0..self.classes).filter(|&class| self.actual(class) > 0).collect();
        let sum: f64 = occurring.iter().map(|&class| self.of(Part::Recall, class)).sum();
        sum / occurring.len() as f64
    }

    /// The value of one class.
    #[must_use]
    pub fn of(&self, part: Part, class: usize) -> f64 {
        part.of(self.right(class), self.given(class), self.actual(class))
    }

    /// The value of all classes.
    #[must_use]
    pub fn value(&self, part: Part, average: Average) -> f64 {
        let all = 0..self.classes;
        match average {
            Average::Positive => self.of(part, 1.min(self.classes - 1)),
            Average::Micro => {
                let rows = self.counts.iter().sum();
                part.of(all.map(|class| self.right(class)).sum(), rows, rows)
            }
            Average::Macro => {
                // As in scikit-learn, a class that neither occurs nor is predicted does not count.
                let seen: Vec<usize> = all.filter(|&class| self.actual(class) + self.given(class) > 0).collect();
                seen.iter().map(|&class| self.of(part, class)).sum::<f64>() / seen.len() as f64
            }
            Average::Weighted => {
                let rows: u64 = self.counts.iter().sum();
                let sum: f64 = all.map(|class| self.of(part, class) * self.actual(class) as f64).sum();
                sum / rows as f64
            }
        }
    }
}

/// The first place of the highest number.
#[must_use]
pub fn likeliest(row: &[f64]) -> usize {
    let best = row.iter().enumerate().fold(
        (0, f64::NEG_INFINITY),
        |best, (class, &value)| {
            if value > best.1 { (class, value) } else { best }
        },
    );
    best.0
}

/// The share of rows whose class is among the `k` with the highest probability. Of equal ones the later class is the
/// higher, as in scikit-learn.
#[must_use]
pub fn top(classes: usize, probabilities: &[f64], labels: &[u32], k: usize) -> f64 {
    let hit = |row: &[f64], label: usize| {
        let own = row[label];
        let above = row.iter().enumerate().filter(|&(class, &value)| value > own || (value >= own && class > label));
        above.count() < k
    };
    let rows = probabilities.chunks_exact(classes).zip(labels);
    rows.filter(|&(row, &label)| hit(row, label as usize)).count() as f64 / labels.len() as f64
}

/// The mean cross-entropy. A probability of 0 counts as the smallest difference from 1, as in scikit-learn.
#[must_use]
pub fn log_loss(classes: usize, probabilities: &[f64], labels: &[u32]) -> f64 {
    let rows = probabilities.chunks_exact(classes).zip(labels);
    let sum: f64 = rows
        .map(|(row, &label)| {
            let total: f64 = row.iter().sum();
            -(row[label as usize] / total).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
        })
        .sum();
    sum / labels.len() as f64
}
