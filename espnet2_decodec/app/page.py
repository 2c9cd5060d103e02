"""The widgets of the page, and which functions of `Actions` they call."""

from typing import Any

import gradio as gr

from espnet2_decodec.app.actions import Actions, Separated, report_failures
from espnet2_decodec.app.files import KEEP_SECONDS

MIN_SNR, MAX_SNR = -20, 40
"""Range of the slider in dB."""

CLEANUP_SECONDS = 300
"""Interval at which old uploads are removed."""

INTRODUCTION = (
    "Drop or record a sound: it is encoded as two streams of tokens, one for the speech and one for the background. "
    "The sounds stay on the machine that serves this page, and are removed after an hour at most."
)
THEME = gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
"""Without fonts from the network."""


def build_page(actions: Actions, title: str) -> gr.Blocks:
    """Build the page.

    Args:
        actions: what it calls.
        title: heading.
    """
    with gr.Blocks(title=title, analytics_enabled=False, delete_cache=(CLEANUP_SECONDS, int(KEEP_SECONDS))) as page:
        gr.Markdown(f"# {title}\n{INTRODUCTION}")
        state = gr.State(time_to_live=KEEP_SECONDS)
        with gr.Row():
            with gr.Column():
                recording = _upload(f"Recording, at most {actions.max_seconds:g} s", "recording")
                levels = _level_sliders(actions)
                unquantized = gr.Checkbox(label="Stems without quantization: better, without a bit rate")
                button = gr.Button("Separate", variant="primary", elem_id="separate")
                status = _status("status")
                rates = gr.Markdown(elem_id="rates")
            with gr.Column():
                players = [_player(label.capitalize(), label) for label in ("mixture", "speech", "background")]
                downloads = gr.File(label="Stems and tokens (.dcd)", file_count="multiple", interactive=False)
        spectrograms = gr.Image(
            type="filepath",
            interactive=False,
            show_label=False,
            label="Spectrograms",
            buttons=[],
            elem_id="spectrograms",
        )
        snr, remixed, remix_status = _remix_section()
        outputs = [state, *players, spectrograms, downloads, rates, snr, remixed, remix_status, status]

        def separate(*arguments: Any) -> list[Any]:
            found: Separated = actions.separate(*arguments)
            files, value = found.files, found.result.snr
            offered = [str(path) for path in (files.speech, files.background, files.tokens)]
            sounds = [str(path) for path in (files.mixture, files.speech, files.background)]
            slider = gr.skip() if value is None else round(min(max(value, MIN_SNR), MAX_SNR))
            return [found, *sounds, str(files.spectrograms), offered, found.rates, slider, None, "", found.status]

        def separate_or_report(*arguments: Any) -> list[Any]:
            values = report_failures(separate, len(outputs))(*arguments)
            return [gr.skip() if box is snr and value is None else value for box, value in zip(outputs, values)]

        one_at_a_time: dict[str, Any] = {"concurrency_id": "codec", "concurrency_limit": 1, "api_visibility": "private"}
        starts = [recording.upload, recording.stop_recording, button.click]
        gr.on(starts, separate_or_report, [recording, *levels, unquantized], outputs, **one_at_a_time)
        recording.clear(lambda: [gr.skip() if x is snr else None for x in outputs], None, outputs, **one_at_a_time)
        remix = report_failures(lambda found, value: _as_text(actions.remix(found, value)), 2)
        snr.release(remix, [state, snr], [remixed, remix_status], **one_at_a_time)
        _voice_section(actions, recording, one_at_a_time)
        if actions.tts is not None:
            _speech_section(actions, recording, one_at_a_time)
    return page


def _level_sliders(actions: Actions) -> list[gr.Slider]:
    """Sliders for the numbers of levels of speech and background."""
    codec = actions.codec
    rate = f"levels, {codec.kbps(1):g} kbit/s each"
    return [
        gr.Slider(1, codec.speech_levels, codec.speech_levels, step=1, label=f"Speech {rate}"),
        gr.Slider(0, codec.background_levels, codec.background_levels, step=1, label=f"Background {rate}"),
    ]


def _remix_section() -> tuple[gr.Slider, gr.Audio, gr.Textbox]:
    """Slider, player and status of a remix."""
    gr.Markdown("## Remix")
    with gr.Row():
        with gr.Column():
            slider = gr.Slider(MIN_SNR, MAX_SNR, 10, step=1, label="SNR in dB", elem_id="snr")
            status = _status("remix-status")
        player = _player("Remix", "remix")
    return slider, player, status


def _voice_section(actions: Actions, recording: gr.Audio, options: dict[str, Any]) -> None:
    """Section for the conversion of the recording to the voice of a second one."""
    gr.Markdown("## Voice conversion")
    with gr.Row():
        with gr.Column():
            reference = _upload("Recording of the other voice", "reference")
            keep = gr.Checkbox(label="Keep the background")
            button = gr.Button("Convert", elem_id="convert")
            status = _status("convert-status")
        player = _player("Converted", "converted")
    convert = report_failures(lambda *arguments: _as_text(actions.convert(*arguments)), 2)
    button.click(convert, [recording, reference, keep], [player, status], **options)


def _speech_section(actions: Actions, recording: gr.Audio, options: dict[str, Any]) -> None:
    """Section for text to speech in the voice of the recording."""
    gr.Markdown("## Text to speech in the voice of the recording")
    with gr.Row():
        with gr.Column():
            text = gr.Textbox(label="Text", lines=2, max_length=500, elem_id="text")
            keep = gr.Checkbox(label="With the background of the recording")
            button = gr.Button("Speak", elem_id="speak")
            status = _status("speak-status")
        player = _player("Speech", "synthesized")
    say = report_failures(lambda *arguments: _as_text(actions.say(*arguments)), 2)
    button.click(say, [recording, text, keep], [player, status], **options)


def _as_text(result: tuple[Any, str]) -> tuple[str, str]:
    """The path of a file as text, and a line."""
    return str(result[0]), result[1]


def _upload(label: str, name: str) -> gr.Audio:
    """A field for a sound."""
    return gr.Audio(label=label, sources=["upload", "microphone"], type="filepath", elem_id=name, buttons=[])


def _player(label: str, name: str) -> gr.Audio:
    """A player."""
    return gr.Audio(label=label, type="filepath", interactive=False, elem_id=name, buttons=["download"])


def _status(name: str) -> gr.Textbox:
    """A line for results and errors."""
    return gr.Textbox(show_label=False, container=False, interactive=False, lines=1, max_lines=4, elem_id=name)
