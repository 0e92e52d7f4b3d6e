//! A small convolutional network with depthwise and residual parts, trained as the perceptrons are.
//!
//! ```text
//! x   = counts / 16                                            1 x 8 x 8
//! a   = relu(conv 3x3 x)                                      16 x 8 x 8
//! b   = relu(a + conv 1x1 relu(depthwise 3x3 a))              16 x 8 x 8
//! c   = relu(conv 1x1 relu(depthwise 3x3, stride 2, b))       32 x 4 x 4
//! d   = relu(c + conv 1x1 relu(depthwise 3x3 c))              32 x 4 x 4
//! y   = W mean(d) + b                                         10
//! ```
//!
//! Loss and steps are those of the perceptrons. The counts are scaled within the first convolution.

use fewbit_cli::digits::{CLASSES, Digits};

use crate::optimizer::{Adam, Params, Random, Schedule, best, hinge_slope};

/// What the training is told.
pub(crate) const PARAMS: Params =
    Params { seed: 1, epochs: 60, batch: 32, rate: 4e-3, decay: 0.02 };

const LARGEST_COUNT: f32 = 16.0;
/// Rows and columns of an image.
const SIDE: usize = 8;
/// Sums over positions run in so many lanes.
const LANES: usize = 8;

/// A convolution of square images, padded with zeros so that a stride of 1 keeps their size.
pub(crate) struct Conv {
    pub(crate) name: &'static str,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    /// Rows and columns of the input.
    side: usize,
    /// `[outputs, inputs / groups, kernel, kernel]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// The network.
pub(crate) struct Network {
    /// Seven, in the order in which they run.
    pub(crate) convs: Vec<Conv>,
    /// `[CLASSES, channels]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// Of every convolution whose output is added to an earlier value, that value: 0 is the image, `n` what follows convolution `n`.
pub(crate) const SUMMANDS: [(usize, usize); 2] = [(3, 1), (7, 5)];

impl Conv {
    fn out_side(&self) -> usize {
        self.side.div_ceil(self.stride)
    }

    fn positions(&self) -> usize {
        self.out_side() * self.out_side()
    }

    /// Products per output.
    fn depth(&self) -> usize {
        self.inputs / self.groups * self.kernel * self.kernel
    }

    /// Which input each weight of the kernel meets: calls with (row of the patches, position, input).
    fn meet(&self, mut each: impl FnMut(usize, usize, usize)) {
        let (side, out, pad) = (self.side, self.out_side(), self.kernel / 2);
        for c in 0..self.inputs {
            for ky in 0..self.kernel {
                for kx in 0..self.kernel {
                    let row = (c * self.kernel + ky) * self.kernel + kx;
                    for oy in 0..out {
                        let y = oy * self.stride + ky;
                        for ox in 0..out {
                            let x = ox * self.stride + kx;
                            if (pad..side + pad).contains(&y) && (pad..side + pad).contains(&x) {
                                let input = (c * side + y - pad) * side + x - pad;
                                each(row, oy * out + ox, input);
                            }
                        }
                    }
                }
            }
        }
    }

    /// `[inputs * kernel * kernel, positions]`
    fn patches(&self, x: &[f32]) -> Vec<f32> {
        let count = self.positions();
        let mut patches = vec![0.0; self.inputs * self.kernel * self.kernel * count];
        self.meet(|row, position, input| patches[row * count + position] = x[input]);
        patches
    }

    /// Rows of the patches that an output channel sums.
    fn rows(&self, output: usize) -> std::ops::Range<usize> {
        let group = output / (self.outputs / self.groups);
        group * self.depth()..(group + 1) * self.depth()
    }

    fn forward(&self, patches: &[f32]) -> Vec<f32> {
        let count = self.positions();
        let mut y = vec![0.0; self.outputs * count];
        for (o, y) in y.chunks_exact_mut(count).enumerate() {
            y.fill(self.bias[o]);
            let own = &self.weights[o * self.depth()..][..self.depth()];
            for (w, row) in own.iter().zip(self.rows(o)) {
                for (y, x) in y.iter_mut().zip(&patches[row * count..][..count]) {
                    *y += w * x;
                }
            }
        }
        y
    }

    /// Adds the gradients of weights and bias, and gives the slope at the input.
    fn backward(&self, patches: &[f32], slope: &[f32], gradient: &mut [Vec<f32>; 2]) -> Vec<f32> {
        let (count, depth) = (self.positions(), self.depth());
        let mut below = vec![0.0; patches.len()];
        for (o, slope) in slope.chunks_exact(count).enumerate() {
            gradient[1][o] += sum(slope);
            for (k, row) in self.rows(o).enumerate() {
                gradient[0][o * depth + k] += in_lanes(slope, &patches[row * count..][..count]);
                let w = self.weights[o * depth + k];
                for (b, s) in below[row * count..][..count].iter_mut().zip(slope) {
                    *b += w * s;
                }
            }
        }
        let mut at_input = vec![0.0; self.inputs * self.side * self.side];
        self.meet(|row, position, input| at_input[input] += below[row * count + position]);
        at_input
    }
}

/// The sum of products, lane by lane and then over the lanes.
fn in_lanes(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sum(&sums)
}

fn sum(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |sum, x| sum + x)
}

/// What an image makes of every value: the image, what follows each convolution, and the outputs.
struct Trace {
    values: Vec<Vec<f32>>,
    patches: Vec<Vec<f32>>,
    means: Vec<f32>,
    outputs: Vec<f32>,
}

impl Network {
    fn new(random: &mut Random) -> Self {
        let mut conv = |name, inputs, outputs, groups, kernel, stride, side| {
            let depth = inputs / groups * kernel * kernel;
            let weights = random.weights(outputs * depth, depth);
            let bias = vec![0.0; outputs];
            Conv { name, inputs, outputs, groups, kernel, stride, side, weights, bias }
        };
        let convs = vec![
            conv("stem", 1, 16, 1, 3, 1, SIDE),
            conv("depthwise1", 16, 16, 16, 3, 1, SIDE),
            conv("pointwise1", 16, 16, 1, 1, 1, SIDE),
            conv("depthwise2", 16, 16, 16, 3, 2, SIDE),
            conv("pointwise2", 16, 32, 1, 1, 1, SIDE / 2),
            conv("depthwise3", 32, 32, 32, 3, 1, SIDE / 2),
            conv("pointwise3", 32, 32, 1, 1, 1, SIDE / 2),
        ];
        let weights = random.weights(CLASSES * 32, 32);
        Self { convs, weights, bias: vec![0.0; CLASSES] }
    }

    fn run(&self, image: Vec<f32>) -> Trace {
        let mut trace =
            Trace { values: vec![image], patches: vec![], means: vec![], outputs: vec![] };
        for (index, conv) in self.convs.iter().enumerate() {
            let patches = conv.patches(&trace.values[index]);
            let mut y = conv.forward(&patches);
            if let Some(&(_, from)) = SUMMANDS.iter().find(|(to, _)| *to == index + 1) {
                y.iter_mut().zip(&trace.values[from]).for_each(|(y, x)| *y += x);
            }
            y.iter_mut().for_each(|y| *y = y.max(0.0));
            trace.values.push(y);
            trace.patches.push(patches);
        }
        let last = self.convs.last().map_or(1, Conv::positions);
        let values = trace.values.last().map_or(&[][..], Vec::as_slice);
        trace.means = values.chunks_exact(last).map(|x| sum(x) / last as f32).collect();
        let rows = self.weights.chunks_exact(trace.means.len().max(1));
        let output = |(row, b): (&[f32], &f32)| {
            row.iter().zip(&trace.means).fold(*b, |sum, (w, x)| sum + w * x)
        };
        trace.outputs = rows.zip(&self.bias).map(output).collect();
        trace
    }

    /// Adds the gradients of one image's loss, convolution by convolution and then of the last layer.
    fn back_propagate(&self, trace: &Trace, label: u8, gradients: &mut [[Vec<f32>; 2]]) {
        let slope = hinge_slope(&trace.outputs, label);
        let channels = trace.means.len();
        let mut below = vec![0.0; channels];
        let [weights, bias] = &mut gradients[self.convs.len()];
        for (c, s) in slope.iter().enumerate() {
            bias[c] += s;
            for (i, below) in below.iter_mut().enumerate() {
                weights[c * channels + i] += s * trace.means[i];
                *below += s * self.weights[c * channels + i];
            }
        }
        let last = self.convs.last().map_or(1, Conv::positions);
        let mut slopes: Vec<Vec<f32>> = trace.values.iter().map(|v| vec![0.0; v.len()]).collect();
        let top = self.convs.len();
        for (slope, below) in slopes[top].chunks_exact_mut(last).zip(&below) {
            slope.fill(below / last as f32);
        }
        for (index, conv) in self.convs.iter().enumerate().rev() {
            // Where ReLU gave 0, the slope does not count.
            let mut slope = std::mem::take(&mut slopes[index + 1]);
            for (s, y) in slope.iter_mut().zip(&trace.values[index + 1]) {
                if *y <= 0.0 {
                    *s = 0.0;
                }
            }
            if let Some(&(_, from)) = SUMMANDS.iter().find(|(to, _)| *to == index + 1) {
                slopes[from].iter_mut().zip(&slope).for_each(|(to, s)| *to += s);
            }
            let below = conv.backward(&trace.patches[index], &slope, &mut gradients[index]);
            slopes[index].iter_mut().zip(&below).for_each(|(to, s)| *to += s);
        }
    }
}

/// Trains the network on `digits`.
pub(crate) fn train(digits: &Digits, params: &Params) -> Network {
    let mut random = Random(params.seed);
    let mut network = Network::new(&mut random);
    let zeros = |network: &Network| -> Vec<[Vec<f32>; 2]> {
        let convs = network.convs.iter().map(|c| [c.weights.len(), c.bias.len()]);
        let last = [network.weights.len(), network.bias.len()];
        convs.chain([last]).map(|sizes| sizes.map(|size| vec![0.0; size])).collect()
    };
    let of_size = |v: Vec<f32>| Adam::new(v.len());
    let mut moments: Vec<[Adam; 2]> =
        zeros(&network).into_iter().map(|sizes| sizes.map(of_size)).collect();
    let images: Vec<Vec<f32>> = digits
        .images
        .outer_iter()
        .map(|image| image.iter().map(|count| count / LARGEST_COUNT).collect())
        .collect();
    let mut order: Vec<usize> = (0..images.len()).collect();
    let mut schedule = Schedule::new(*params, images.len());
    for _ in 0..params.epochs {
        random.shuffle(&mut order);
        for batch in order.chunks(params.batch) {
            let mut gradients = zeros(&network);
            for &index in batch {
                let trace = network.run(images[index].clone());
                network.back_propagate(&trace, digits.labels[index], &mut gradients);
            }
            let rate = schedule.next();
            let share = 1.0 / batch.len() as f32;
            gradients.iter_mut().flatten().flatten().for_each(|g| *g *= share);
            let convs = network.convs.iter_mut().map(|c| (&mut c.weights, &mut c.bias));
            let all = convs.chain([(&mut network.weights, &mut network.bias)]);
            for (((weights, bias), gradient), moment) in all.zip(&gradients).zip(&mut moments) {
                moment[0].step(weights, &gradient[0], rate, params.decay, &schedule);
                moment[1].step(bias, &gradient[1], rate, 0.0, &schedule);
            }
        }
    }
    network.convs[0].weights.iter_mut().for_each(|w| *w /= LARGEST_COUNT);
    network
}

/// How many images the network recognizes.
pub(crate) fn count_right(network: &Network, digits: &Digits) -> usize {
    let recognized = |(image, &label): (ndarray::ArrayView1<'_, f32>, &u8)| {
        best(&network.run(image.to_vec()).outputs) == usize::from(label)
    };
    digits.images.outer_iter().zip(&digits.labels).filter(|&pair| recognized(pair)).count()
}
