"""The measures against published values and against scikit-image."""

import cv2
import numpy as np
import pytest
from skimage import color, data, metrics

from reasonedit_agent.perception.colour import to_lab
from reasonedit_agent.perception.measures import (
    ciede2000,
    delta_e,
    mean_lab,
    region_change,
    seam,
    sharpness,
    ssim,
)

# Sharma, Wu, Dalal 2005, table 1: L1 a1 b1 L2 a2 b2 dE00.
SHARMA = np.array(
    """50.0000 2.6772 -79.7751 50.0000 0.0000 -82.7485 2.0425
50.0000 3.1571 -77.2803 50.0000 0.0000 -82.7485 2.8615
50.0000 2.8361 -74.0200 50.0000 0.0000 -82.7485 3.4412
50.0000 -1.3802 -84.2814 50.0000 0.0000 -82.7485 1.0000
50.0000 -1.1848 -84.8006 50.0000 0.0000 -82.7485 1.0000
50.0000 -0.9009 -85.5211 50.0000 0.0000 -82.7485 1.0000
50.0000 0.0000 0.0000 50.0000 -1.0000 2.0000 2.3669
50.0000 -1.0000 2.0000 50.0000 0.0000 0.0000 2.3669
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0009 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0010 7.1792
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0011 7.2195
50.0000 2.4900 -0.0010 50.0000 -2.4900 0.0012 7.2195
50.0000 -0.0010 2.4900 50.0000 0.0009 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0010 -2.4900 4.8045
50.0000 -0.0010 2.4900 50.0000 0.0011 -2.4900 4.7461
50.0000 2.5000 0.0000 50.0000 0.0000 -2.5000 4.3065
50.0000 2.5000 0.0000 73.0000 25.0000 -18.0000 27.1492
50.0000 2.5000 0.0000 61.0000 -5.0000 29.0000 22.8977
50.0000 2.5000 0.0000 56.0000 -27.0000 -3.0000 31.9030
50.0000 2.5000 0.0000 58.0000 24.0000 15.0000 19.4535
50.0000 2.5000 0.0000 50.0000 3.1736 0.5854 1.0000
50.0000 2.5000 0.0000 50.0000 3.2972 0.0000 1.0000
50.0000 2.5000 0.0000 50.0000 1.8634 0.5757 1.0000
50.0000 2.5000 0.0000 50.0000 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082""".split(),
    dtype=np.float64,
).reshape(-1, 7)


def test_ciede2000_gives_the_published_values() -> None:
    assert len(SHARMA) == 34
    np.testing.assert_allclose(ciede2000(SHARMA[:, :3], SHARMA[:, 3:6]), SHARMA[:, 6], atol=5e-5)
    np.testing.assert_allclose(ciede2000(SHARMA[:, 3:6], SHARMA[:, :3]), SHARMA[:, 6], atol=5e-5)


def test_delta_e_and_ssim_agree_with_scikit_image() -> None:
    before = data.astronaut()
    after = np.ascontiguousarray(np.clip(before.astype(int) + np.array([18, -9, 4]), 0, 255).astype(np.uint8))
    reference = color.deltaE_ciede2000(color.rgb2lab(before), color.rgb2lab(after))
    np.testing.assert_allclose(delta_e(before, after), reference, atol=0.01)
    assert abs(float(delta_e(before, after).mean()) - float(reference.mean())) < 0.001
    blurred = cv2.GaussianBlur(before, (0, 0), 2)
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, blurred)]
    _, full = metrics.structural_similarity(
        *grey, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    np.testing.assert_allclose(ssim(before, blurred)[8:-8, 8:-8], full[8:-8, 8:-8], atol=2e-3)


def test_lab_is_cielab() -> None:
    image = data.coffee()
    np.testing.assert_allclose(to_lab(image), color.rgb2lab(image), atol=0.02)


def test_region_change_tells_inside_from_outside() -> None:
    before = data.chelsea()
    mask = np.zeros(before.shape[:2], np.float32)
    mask[80:200, 100:300] = 1
    after = before.copy()
    after[80:200, 100:300, 2] = 255
    change = region_change(before, after, mask)
    assert change.delta_inside is not None and change.delta_inside > 20
    assert change.delta_outside == 0 and change.ssim_outside == pytest.approx(1, abs=1e-6)
    tint = np.ascontiguousarray(255 - before)
    assert (region_change(before, tint, mask).delta_outside or 0) > 20
    whole = region_change(before, after, np.ones_like(mask))
    assert whole.delta_outside is None and whole.delta_inside is not None


def test_sharpness_falls_with_blur_and_only_where_it_is() -> None:
    before = data.astronaut()
    left = np.zeros(before.shape[:2], np.float32)
    left[:, :250] = 1
    after = before.copy()
    after[:, :250] = cv2.GaussianBlur(before, (0, 0), 4)[:, :250]
    assert (sharpness(after, left) or 0) < 0.1 * (sharpness(before, left) or 0)
    right = np.zeros_like(left)
    right[:, 260:] = 1
    assert sharpness(after, right) == sharpness(before, right)


def test_seam_sees_a_hard_patch_and_mean_lab_its_colour() -> None:
    before = np.asarray(cv2.GaussianBlur(data.chelsea(), (0, 0), 6), np.uint8)
    mask = np.zeros(before.shape[:2], np.float32)
    cv2.circle(mask, (220, 150), 60, 1, cv2.FILLED)
    after = before.copy()
    after[mask > 0.5] = (255, 0, 0)
    seen = seam(before, after, mask)
    assert seen is not None and seen.step_after > 4 * seen.step_before and seen.gradient > 3
    same = seam(before, before, mask)
    assert same is not None and same.gradient == pytest.approx(1) and same.step_before == same.step_after
    assert mean_lab(after, mask) == pytest.approx((53.24, 80.09, 67.2), abs=0.2)
    assert mean_lab(after, np.zeros_like(mask)) is None and seam(before, after, np.ones_like(mask)) is None
