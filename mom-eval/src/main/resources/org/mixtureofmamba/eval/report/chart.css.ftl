.curve { font-family: system-ui, "Segoe UI", "DejaVu Sans", Arial, sans-serif; font-size: 12px; }
.curve text { fill: ${c.ink}; }
.curve .tick, .curve .axis { fill: ${c.soft}; }
.curve .heading { font-weight: 600; font-size: 13px; }
.curve .share { font-weight: 600; }
.curve .grid { stroke: ${c.rule}; stroke-width: 1; }
.curve .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.curve .thin { stroke-width: 1.2; }
.curve .level { stroke: ${c.m0}; stroke-width: 1.2; stroke-dasharray: 5 4; }
.curve .drop { stroke-width: 1; stroke-dasharray: 2 3; }
.curve .whisker { stroke-width: 1.4; fill: none; }
.curve .dot { stroke: ${c.card}; stroke-width: 1.5; }
<#list 0..5 as i>
.curve .s${i} { stroke: ${c["m" + i]}; } .curve .f${i} { fill: ${c["m" + i]}; }
</#list>
