<svg xmlns="http://www.w3.org/2000/svg" class="curve"<#if !inPage> width="${chart.width?c}" height="${chart.height?c}"</#if> viewBox="0 0 ${chart.width?c} ${chart.height?c}" role="img" aria-labelledby="${chart.id}-t">
<title id="${chart.id}-t">${chart.spoken}</title>
<#if style != ""><style>${style?no_esc}</style></#if>
<clipPath id="${chart.id}-c"><rect x="${chart.frame.left}" y="${chart.frame.top}" width="${chart.frame.width}" height="${chart.frame.height}"/></clipPath>
<text class="heading" x="${chart.frame.left}" y="16">${chart.title}</text>
<#list chart.xTicks as tick>
<line class="grid" x1="${tick.at}" x2="${tick.at}" y1="${chart.frame.top}" y2="${chart.frame.bottom}"/><text class="tick" x="${tick.textAt}" y="${chart.frame.tickBottom}" text-anchor="middle">${tick.label}</text>
</#list>
<#list chart.yTicks as tick>
<line class="grid" y1="${tick.at}" y2="${tick.at}" x1="${chart.frame.left}" x2="${chart.frame.right}"/><text class="tick" x="${chart.frame.tickRight}" y="${tick.textAt}" text-anchor="end">${tick.label}</text>
</#list>
<text class="axis" x="${chart.frame.centre}" y="${(chart.height - 8)?c}" text-anchor="middle">${chart.xTitle}</text>
<text class="axis" x="${chart.frame.right}" y="16" text-anchor="end">${chart.yTitle}</text>
<#list chart.legend as key>
<line class="line s${key.colour}" x1="${key.x}" x2="${key.end}" y1="${key.y}" y2="${key.y}"/><text x="${key.textX}" y="${key.textY}">${key.name}</text>
</#list>
<#list chart.levels as level>
<line class="level" y1="${level.y}" y2="${level.y}" x1="${chart.frame.left}" x2="${chart.frame.right}"/><text class="tick" x="${level.labelX}" y="${level.labelY}">${level.label}</text>
</#list>
<g clip-path="url(#${chart.id}-c)">
<#list chart.lines as line>
<polyline class="line s${line.colour}<#if line.thin> thin</#if>" points="${line.points}"/>
</#list>
<#list chart.dots as dot>
<#if dot.drop><line class="drop s${dot.colour}" x1="${dot.x}" x2="${dot.x}" y1="${dot.y}" y2="${chart.frame.bottom}"/></#if>
<#if dot.low != ""><path class="whisker s${dot.colour}" d="M${dot.x} ${dot.low}V${dot.high}"/></#if>
<circle class="dot f${dot.colour}" cx="${dot.x}" cy="${dot.y}" r="4.5"/>
</#list>
</g>
<#list chart.dots as dot>
<#if dot.label != ""><text class="share" x="${dot.labelX}" y="${dot.labelY}" text-anchor="${dot.anchor}">${dot.label}</text></#if>
</#list>
</svg>
