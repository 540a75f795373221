/** A template: which sockets a series with side and name is about; `unknown` are those that nothing observed stands for. */
export const WHOSE: string =
  '{{ if eq $labels.side "unknown" }}untracked descriptors{{ else }}{{ $labels.side }} {{ $labels.name }}{{ end }}';
