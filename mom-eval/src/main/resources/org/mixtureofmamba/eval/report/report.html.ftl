<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:">
<link rel="icon" href="data:,">
<title>${page.title}</title>
<style>
${style?no_esc}
</style>
</head>
<body>
<main>
<header><h1>${page.title}</h1>
<p class="lead">${page.lead}</p></header>
<#macro cell c>${c.text}<#if c.aside != ""><br><span class="interval">${c.aside}</span></#if></#macro>
<#list page.sections as section>
<section>
<h2>${section.heading}</h2>
<#list section.warnings as warning>
<p class="warning">${warning}</p>
</#list>
<#if section.tiles?has_content>
<div class="tiles">
<#list section.tiles as tile>
<div class="tile"><h3>${tile.title}</h3><p class="big">${tile.big.text}</p><p>${tile.of}<#if tile.big.aside != ""> <span class="interval">(${tile.big.aside})</span></#if></p>${tile.bar?no_esc}
<#list tile.asides as aside><p class="aside">${aside.line()}</p></#list></div>
</#list>
</div>
</#if>
<#list section.tables as table>
<div class="scroll" tabindex="0" role="region" aria-label="${table.caption}"><table><caption>${table.caption}</caption>
<thead><tr><#list table.head as head><#if head == ""><td></td><#else><th scope="col">${head}</th></#if></#list></tr></thead>
<tbody>
<#list table.rows as row>
<tr><#list row as c><#if c?is_first><th scope="row"><@cell c/></th><#else><td><@cell c/></td></#if></#list></tr>
</#list>
</tbody></table></div>
</#list>
<#if section.drawings?has_content>
<div class="figures">
<#list section.drawings as drawing>
<figure>${drawing.svg?no_esc}<figcaption>${drawing.caption}<span class="provenance">${drawing.provenance}</span></figcaption></figure>
</#list>
</div>
</#if>
<#if section.verdicts?has_content>
<ul class="findings">
<#list section.verdicts as verdict>
<li><span class="verdict ${verdict.kind}">${verdict.word}</span> ${verdict.text}</li>
</#list>
</ul>
</#if>
<#list section.notes as note>
<p class="note">${note}</p>
</#list>
<#if section.terms?has_content>
<dl class="method">
<#list section.terms as term>
<dt>${term.name}</dt><dd>${term.text}</dd>
</#list>
</dl>
</#if>
<#list section.details as details>
<details><summary>${details.summary}</summary><dl>
<#list details.facts as fact>
<dt>${fact.name}</dt><dd>${fact.text}</dd>
</#list>
</dl></details>
</#list>
<#if section.samples?has_content>
<div class="samples">
<#list section.samples as sample>
<figure class="sample"><#if sample.kind == "image"><img alt="${sample.caption}" src="data:image/png;base64,${sample.content}"><#elseif sample.kind == "clip"><audio controls preload="none" aria-label="${sample.caption}" src="data:audio/wav;base64,${sample.content}"></audio><#else><blockquote>${sample.content}</blockquote></#if><figcaption>${sample.caption}</figcaption></figure>
</#list>
</div>
</#if>
</section>
</#list>
</main>
</body>
</html>
