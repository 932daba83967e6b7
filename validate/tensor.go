package validate

// Tensor is what a report says about one tensor.
type Tensor struct {
	Name     string     `json:"name"`
	Kind     string     `json:"kind"`  // the name without its layer, e.g. "attn_q.weight"
	Layer    int        `json:"layer"` // -1 where it belongs to none
	Type     string     `json:"type"`
	Shape    []int64    `json:"shape"` // fastest dimension first
	Bytes    int64      `json:"bytes"`
	Bits     float64    `json:"bpw"`
	Severity Severity   `json:"severity"`
	Values   *Values    `json:"values,omitempty"`
	Error    *Deviation `json:"error,omitempty"`
}

// Values counts what needs no source to be seen.
type Values struct {
	RMS          float64 `json:"rms"`
	NaN          int64   `json:"nan"`
	Inf          int64   `json:"inf"`
	ZeroRows     int64   `json:"zero_rows"`
	ConstantRows int64   `json:"constant_rows"`    // of one value that is not 0
	Saturated    int64   `json:"saturated_scales"` // at the end of their range
}

// Deviation is the error of a tensor against its source.
type Deviation struct {
	RMSE     float64  `json:"rmse"`
	Relative float64  `json:"relative_rmse"` // over the RMS of the source
	Max      float64  `json:"max"`           // largest absolute error
	MaxRow   int64    `json:"max_row"`       // where it is
	Cosine   float64  `json:"cosine"`
	SNR      *float64 `json:"snr_db,omitempty"` // signal to noise; absent for an exact copy

	// The rows of the source that were quantized again without weights, how
	// many gave the bytes of the file, and the relative RMSE that they and the
	// file's rows have.
	Requantized int64   `json:"requantized_rows"`
	Equal       int64   `json:"equal_rows"`
	Expected    float64 `json:"expected_rmse"`
	Sampled     float64 `json:"sampled_rmse"`
}

// Excess is the error of the rows that were quantized again over the error
// that the type gives for them: about 1 for a tensor quantized from its
// source. It is 1 where both are 0.
func (d *Deviation) Excess() float64 {
	const rounding = 1e-7 // relative; a float32 holds no less
	return (d.Sampled + rounding) / (d.Expected + rounding)
}
